given("of-rgb_dense__cacheflow_5",{"outcomes":"222112221112212212122111","labels":null});
