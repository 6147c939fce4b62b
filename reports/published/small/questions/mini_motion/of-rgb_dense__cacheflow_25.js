given("of-rgb_dense__cacheflow_25",{"outcomes":"221112222112212212122111","labels":null});
