given("of-rgb__cacheflow_10",{"outcomes":"333333333332123321223132","labels":null});
