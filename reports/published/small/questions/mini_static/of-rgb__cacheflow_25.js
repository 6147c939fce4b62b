given("of-rgb__cacheflow_25",{"outcomes":"332333333332123333233132","labels":null});
