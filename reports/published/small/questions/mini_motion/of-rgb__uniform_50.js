given("of-rgb__uniform_50",{"outcomes":"221333213323212331122313","labels":null});
