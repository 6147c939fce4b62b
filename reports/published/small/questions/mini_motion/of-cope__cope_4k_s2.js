given("of-cope__cope_4k_s2",{"outcomes":"221222121222212211122212","labels":null});
