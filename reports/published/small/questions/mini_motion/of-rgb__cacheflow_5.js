given("of-rgb__cacheflow_5",{"outcomes":"321223231223312123122333","labels":null});
