given("of-rgb_dense__cacheflow_5",{"outcomes":"212221222121211212211222","labels":null});
