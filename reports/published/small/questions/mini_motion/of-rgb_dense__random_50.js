given("of-rgb_dense__random_50",{"outcomes":"221112222112212212122111","labels":null});
