given("of-rgb__recent_50",{"outcomes":"223333213321212331122331","labels":null});
