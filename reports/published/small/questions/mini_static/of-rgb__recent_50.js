given("of-rgb__recent_50",{"outcomes":"332333333333122333231333","labels":null});
