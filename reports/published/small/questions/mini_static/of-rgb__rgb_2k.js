given("of-rgb__rgb_2k",{"outcomes":"212333333333123333231332","labels":null});
