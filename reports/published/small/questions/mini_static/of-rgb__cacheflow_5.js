given("of-rgb__cacheflow_5",{"outcomes":"333333333332123321223132","labels":null});
