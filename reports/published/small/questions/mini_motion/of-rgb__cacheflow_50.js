given("of-rgb__cacheflow_50",{"outcomes":"323333213321212333122313","labels":null});
