given("of-cope__rgb_1k",{"outcomes":"332112331232123321223322","labels":null});
