given("of-rgb_dense__uniform_50",{"outcomes":"221112222112212122122111","labels":null});
