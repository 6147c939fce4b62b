given("of-cope__rgb_1k",{"outcomes":"211221222122122121121221","labels":null});
