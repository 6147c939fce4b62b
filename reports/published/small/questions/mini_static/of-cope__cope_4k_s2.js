given("of-cope__cope_4k_s2",{"outcomes":"122121121212122121221222","labels":null});
