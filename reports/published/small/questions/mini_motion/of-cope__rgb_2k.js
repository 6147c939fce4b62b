given("of-cope__rgb_2k",{"outcomes":"112121211221212121122221","labels":null});
