given("of-rgb_dense__curvestream_50",{"outcomes":"212221442121444412221212","labels":null});
