given("of-cope__cope_swap",{"outcomes":"213331213221312223212232","labels":null});
