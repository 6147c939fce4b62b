given("of-cope__cope_1k_s2",{"outcomes":"121222121211212212121212","labels":null});
