given("of-cope__rgb_1k",{"outcomes":"112111211221212121122221","labels":null});
