given("of-cope__cope_2k",{"outcomes":"212122121221212211121221","labels":null});
