given("of-cope__blind",{"outcomes":"222212122122221122122221","labels":null});
