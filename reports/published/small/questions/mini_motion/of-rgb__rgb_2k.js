given("of-rgb__rgb_2k",{"outcomes":"223333213321212331122331","labels":null});
