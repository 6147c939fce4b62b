given("of-rgb__recent_5",{"outcomes":"323223231321212333122333","labels":null});
