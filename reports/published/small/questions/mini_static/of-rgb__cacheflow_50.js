given("of-rgb__cacheflow_50",{"outcomes":"332321333333332312223323","labels":null});
