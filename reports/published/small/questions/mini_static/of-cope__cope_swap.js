given("of-cope__cope_swap",{"outcomes":"212112122122122221221222","labels":null});
