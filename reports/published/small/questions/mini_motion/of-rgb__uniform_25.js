given("of-rgb__uniform_25",{"outcomes":"323333233233212333122313","labels":null});
