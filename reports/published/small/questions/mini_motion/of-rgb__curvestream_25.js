given("of-rgb__curvestream_25",{"outcomes":"323223233323212333122333","labels":null});
