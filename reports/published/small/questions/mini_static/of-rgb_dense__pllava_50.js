given("of-rgb_dense__pllava_50",{"outcomes":"211221212112212212121222","labels":null});
