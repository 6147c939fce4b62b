given("of-cope_n2__cope_1k",{"outcomes":"212121121222122121221222","labels":null});
