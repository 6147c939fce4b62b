given("of-rgb__cacheflow_25",{"outcomes":"223223233323312333122333","labels":null});
