given("of-rgb_dense__curvestream_10",{"outcomes":"211211212121212112241212","labels":null});
