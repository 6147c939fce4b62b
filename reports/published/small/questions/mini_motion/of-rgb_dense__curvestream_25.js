given("of-rgb_dense__curvestream_25",{"outcomes":"221112212222212222122111","labels":null});
