given("of-rgb__pllava_50",{"outcomes":"223223213323312333122332","labels":null});
