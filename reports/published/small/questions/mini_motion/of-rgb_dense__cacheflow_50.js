given("of-rgb_dense__cacheflow_50",{"outcomes":"221112222221212122122111","labels":null});
