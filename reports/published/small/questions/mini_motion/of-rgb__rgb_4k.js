given("of-rgb__rgb_4k",{"outcomes":"223333213321212331122331","labels":null});
