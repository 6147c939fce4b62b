given("of-cope_n16__cope_2k",{"outcomes":"212121222122122121221222","labels":null});
