given("of-rgb__curvestream_50",{"outcomes":"332333333332332333231333","labels":null});
