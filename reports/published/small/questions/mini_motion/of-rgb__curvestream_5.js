given("of-rgb__curvestream_5",{"outcomes":"323223231321212333122333","labels":null});
