given("of-rgb_dense__cacheflow_50",{"outcomes":"122221212121212212222112","labels":null});
