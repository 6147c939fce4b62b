given("of-rgb__curvestream_25",{"outcomes":"332331333333332331233332","labels":null});
