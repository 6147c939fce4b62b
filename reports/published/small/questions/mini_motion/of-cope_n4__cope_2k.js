given("of-cope_n4__cope_2k",{"outcomes":"212112112122221111211221","labels":null});
