given("of-cope_n2__cope_2k",{"outcomes":"212121122122122121221222","labels":null});
