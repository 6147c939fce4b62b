given("of-rgb__curvestream_10",{"outcomes":"323223231321212333122333","labels":null});
