given("of-rgb_dense__curvestream_25",{"outcomes":"441421222122214412444444","labels":null});
