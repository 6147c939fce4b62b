given("of-rgb_dense__pllava_25",{"outcomes":"221112222112212122122111","labels":null});
