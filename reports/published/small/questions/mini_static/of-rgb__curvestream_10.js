given("of-rgb__curvestream_10",{"outcomes":"333333333332333333231332","labels":null});
