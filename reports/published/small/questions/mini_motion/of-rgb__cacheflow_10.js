given("of-rgb__cacheflow_10",{"outcomes":"321223231223312123122333","labels":null});
