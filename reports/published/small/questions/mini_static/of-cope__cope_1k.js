given("of-cope__cope_1k",{"outcomes":"212112122122122121222122","labels":null});
