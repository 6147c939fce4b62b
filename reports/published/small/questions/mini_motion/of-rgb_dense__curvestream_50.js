given("of-rgb_dense__curvestream_50",{"outcomes":"221111212221212122122111","labels":null});
