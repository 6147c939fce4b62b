given("of-cope_unaligned__cope_2k",{"outcomes":"212112121222212211121221","labels":null});
