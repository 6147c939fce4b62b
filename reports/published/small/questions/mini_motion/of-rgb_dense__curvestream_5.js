given("of-rgb_dense__curvestream_5",{"outcomes":"441111224144414122442414","labels":null});
